# error: security_violation 3:5 "__match_args__"
class A:
    __match_args__ = ("__class__",)
