# expect: ["enter", "body", "exit ValueError", "after", "caught KeyError", "else", "finally"]
class Guard:
    def __init__(self, seen):
        self.seen = seen

    def __enter__(self):
        self.seen.append("enter")
        return self

    def __exit__(self, kind, error, where):
        self.seen.append("exit " + kind.__name__)
        return True


seen = []
with Guard(seen) as guard:
    seen.append("body")
    raise ValueError("x")
seen.append("after")
try:
    {}["a"]
except (KeyError, IndexError) as error:
    seen.append("caught " + type(error).__name__)
try:
    pass
except Exception:
    seen.append("never")
else:
    seen.append("else")
finally:
    seen.append("finally")
result = seen
