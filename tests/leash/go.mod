// Holds the processes that tests and `make up` start, so that none outlives them.
module github.com/faas-iam/faas-iam/tests/leash

go 1.26.0
