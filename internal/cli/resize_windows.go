package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// notifyResize does nothing: Windows has no signal for it, and a frame reads the size.
func notifyResize(chan os.Signal) func() { return func() {} }

// obeysSequences makes a console obey escape sequences. It returns the function that undoes that, and false if it cannot.
func obeysSequences(out *os.File) (restore func(), ok bool) {
	console := windows.Handle(out.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return nil, false
	}
	if err := windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING); err != nil {
		return nil, false
	}
	return func() { _ = windows.SetConsoleMode(console, mode) }, true // the console is gone otherwise
}
