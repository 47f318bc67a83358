// The provider that stands behind the gateway in tests and in `make up`.
module github.com/faas-iam/faas-iam/tests/provider

go 1.26.0
