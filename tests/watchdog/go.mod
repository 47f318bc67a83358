// The stand-in for a function's watchdog, where the real one is not at hand.
module github.com/faas-iam/faas-iam/tests/watchdog

go 1.26.0
