// Package known identifies the libraries that rekey recognizes in every schema, even without their profile: a schema run
// leaves their tables alone, and their function may be replaced. Everything else of a library is in its profile.
package known

import "github.com/rekey-pg/rekey/internal/profile"

// Libraries returns all of them.
func Libraries() []profile.Library { return []profile.Library{PhoenixKit()} }

// PhoenixKit identifies PhoenixKit. Its function has had this digest in every release since version 40.
func PhoenixKit() profile.Library {
	return profile.Library{
		Name: "phoenixkit", Title: "PhoenixKit", VersionTable: "phoenix_kit",
		Function: profile.Function{
			Digest: "e3c2cf9d3e28fea35b9aae7b1b5779b7",
			Needs:  "pgcrypto, in a schema of the search_path or in the one that the function names",
		},
	}
}
