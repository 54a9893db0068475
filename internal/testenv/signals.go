package testenv

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// answered are the signals that programs under test are ended with.
var answered = []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1,
	unix.SIGUSR2, unix.SIGPIPE, unix.SIGALRM}

// giveSignalsBack makes what the tests start begin with every signal's default. nohup(1) and a
// shell that runs the tests in the background have some ignored, which is inherited and which
// programs respect: a test that hangs a terminal up would then wait for ever. This process goes on
// ignoring them: it catches them and does nothing (execve(2) gives a caught signal its default
// back).
func giveSignalsBack() {
	nobody := make(chan os.Signal, 1)
	for _, s := range answered {
		if signal.Ignored(s) {
			signal.Notify(nobody, s)
		}
	}
}
