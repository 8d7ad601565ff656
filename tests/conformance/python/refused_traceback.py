# error: security_violation 5:20 "__traceback__"
try:
    1 / 0
except Exception as error:
    result = error.__traceback__.tb_frame
