package cli

import "os"

// notifySuspend does nothing: Windows does not stop processes of a console.
func notifySuspend(chan os.Signal) func() { return func() {} }

func (*frames) suspend() {}
