# error: security_violation - "__class__"
result = ().__𝐜lass__
