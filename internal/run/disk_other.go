//go:build !linux && !darwin

package run

import "github.com/rekey-pg/rekey/internal/catalog"

// freeSpace returns 0: the free space is unknown.
func freeSpace(catalog.Load) (bytes int64, place string) { return 0, "" }
