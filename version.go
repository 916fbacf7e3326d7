package rekey

import "runtime/debug"

// Version is the version of rekey in this program, as the Go module system knows it: "v1.2.3", or
// "(devel)" when built from a working tree.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	const path = "github.com/rekey-pg/rekey"
	if info.Main.Path == path {
		return info.Main.Version
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "(devel)"
}
