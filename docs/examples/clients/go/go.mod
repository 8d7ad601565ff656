module goby-example

go 1.19
