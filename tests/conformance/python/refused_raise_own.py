# error: execution 4:1 "Broken: the gun"
class Broken(Exception):
    pass
raise Broken("the gun")
