# error: security_violation 3:5 "__match_args__"
class Text(str):
    __match_args__ = ("format",)
