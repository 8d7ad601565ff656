# expect: [true, true, "str", true, "int", true, ["str", "list"], true, "dict"]
kinds = {str: "text", int: "number"}


class Name(str):
    def shout(self):
        return self.upper()


result = [
    type("a") == str, type("a") is str, type("a").__name__, isinstance("a", (int, str)), type(1).__name__,
    kinds[type("x")] == "text", [type(v).__name__ for v in ("a", [])], isinstance(Name("a"), str) and Name("a").shout() == "A",
    type({}).__name__,
]
