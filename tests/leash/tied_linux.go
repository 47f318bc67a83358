package main

import "syscall"

// tied puts the child into its own process group and lets the kernel kill it when its parent dies in whatever way.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
