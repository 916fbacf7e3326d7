package server

import (
	"fmt"
	"runtime"
)

// places returns the directories in which this system's packages install the programs of a major version.
func places(major int) []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{
			fmt.Sprintf("/opt/homebrew/opt/postgresql@%d/bin", major), // Homebrew on Apple silicon
			fmt.Sprintf("/usr/local/opt/postgresql@%d/bin", major),    // Homebrew on Intel
			fmt.Sprintf("/Applications/Postgres.app/Contents/Versions/%d/bin", major),
		}
	case "windows":
		return []string{fmt.Sprintf(`C:\Program Files\PostgreSQL\%d\bin`, major)}
	default:
		return []string{
			fmt.Sprintf("/usr/lib/postgresql/%d/bin", major), // Debian, Ubuntu
			fmt.Sprintf("/usr/pgsql-%d/bin", major),          // the PostgreSQL project's RPMs
			fmt.Sprintf("/usr/libexec/postgresql%d", major),  // Alpine
			fmt.Sprintf("/usr/lib/postgresql%d/bin", major),  // openSUSE
			fmt.Sprintf("/home/linuxbrew/.linuxbrew/opt/postgresql@%d/bin", major),
		}
	}
}
