# error: security_violation 4:16 "__class__"
class Name(str):
    def shown(self):
        return super().format(1)


result = Name("{0.__class__}").shown()
