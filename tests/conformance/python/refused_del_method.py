# error: security_violation 3:5 "__del__"
class A:
    def __del__(self):
        pass
