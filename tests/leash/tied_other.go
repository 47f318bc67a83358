//go:build !linux

package main

import "syscall"

// tied puts the child into its own process group; only Linux has a parent-death signal.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
