// leash [--stdout FILE] [--stderr FILE] COMMAND ARGS… | leash --scratch FOLDER
//
// Runs a command, or keeps a folder, for as long as somebody holds the other end of standard input. The kernel closes
// that end however the holder dies, SIGKILL included; then the command's process group is killed, the folder removed.
// Each line on standard input is a signal to deliver: TERM, INT, HUP, STOP, CONT, or KILL (to the whole group).
// It exits with the command's code, 128 + n for signal n. It has no time-outs and decides nothing by itself.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP,
	"STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "KILL": syscall.SIGKILL,
}

func main() {
	stdout := flag.String("stdout", "", "file that gets the command's output (default: this process' own)")
	stderr := flag.String("stderr", "", "file that gets the command's errors (default: this process' own)")
	scratch := flag.String("scratch", "", "folder to remove when the leash is let go")
	flag.Parse()
	// Only the holder ends a command: a Ctrl-C at the terminal is for the holder to act on.
	// Caught and dropped rather than ignored, since a child would inherit the ignoring.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	switch {
	case *scratch != "":
		keep(*scratch)
	case flag.NArg() > 0:
		os.Exit(run(flag.Args(), open(*stdout, os.Stdout), open(*stderr, os.Stderr)))
	default:
		flag.Usage()
		os.Exit(2)
	}
}

// run runs the command on the leash and returns its exit code.
func run(args []string, stdout, stderr *os.File) int {
	// The kernel's parent-death signal follows the thread that started the child, so this one must stay.
	runtime.LockOSThread()
	command := exec.Command(args[0], args[1:]...)
	command.Stdout, command.Stderr = stdout, stderr
	command.SysProcAttr = tied()
	if err := command.Start(); err != nil {
		fail(err)
	}
	go obey(command.Process.Pid)
	err := command.Wait()
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // whatever the command itself has left behind
	return exitCode(err)
}

// keep removes the folder once standard input has closed. Those who write to it end at that same moment: try again
// for a while where one of them is not quite gone.
func keep(folder string) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	for try := 0; os.RemoveAll(folder) != nil && try < 100; try++ {
		time.Sleep(50 * time.Millisecond)
	}
}

// obey delivers the signals named on standard input and, at its end, kills the group.
func obey(pid int) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch received, known := signals[lines.Text()]; {
		case !known:
			fmt.Fprintf(os.Stderr, "leash: unknown signal `%s`\n", lines.Text())
		case received == syscall.SIGKILL:
			_ = syscall.Kill(-pid, received)
		default:
			_ = syscall.Kill(pid, received)
		}
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

func open(path string, otherwise *os.File) *os.File {
	if path == "" {
		return otherwise
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fail(err)
	}
	return file
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal())
		}
		return exit.ExitCode()
	default:
		return 126
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "leash:", err)
	os.Exit(127)
}
