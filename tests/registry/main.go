// The registry of the distribution project, for tests: `registry serve CONFIG`, with the storage in memory and the two
// ways of asking who somebody is that a CONFIG of the tests names.
//
// It adds nothing to what it runs: its configuration, exit codes and output are its own.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
