// Package speed compares the makers of UUIDv7 with one another:
//
//	go test -bench . -cpu 1,2 -count 6 ./speed
package speed

import (
	"testing"

	gofrs "github.com/gofrs/uuid/v5"
	google "github.com/google/uuid"
	"github.com/rekey-pg/rekey/ident"
)

func single[T any](b *testing.B, next func() T) {
	b.ReportAllocs()
	for b.Loop() {
		next()
	}
}

func together[T any](b *testing.B, next func() T) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			next()
		}
	})
}

func fromGoogle() google.UUID { return google.Must(google.NewV7()) }
func fromGofrs() gofrs.UUID   { return gofrs.Must(gofrs.NewV7()) }

func BenchmarkIdent(b *testing.B)          { single(b, ident.NewV7) }
func BenchmarkIdentAsGoogle(b *testing.B)  { single(b, ident.NewV7As[google.UUID]) }
func BenchmarkGoogle(b *testing.B)         { single(b, fromGoogle) }
func BenchmarkGofrs(b *testing.B)          { single(b, fromGofrs) }
func BenchmarkIdentTogether(b *testing.B)  { together(b, ident.NewV7) }
func BenchmarkGoogleTogether(b *testing.B) { together(b, fromGoogle) }

// The pool makes google/uuid faster. It is off by default.
func BenchmarkGooglePool(b *testing.B) {
	google.EnableRandPool()
	defer google.DisableRandPool()
	single(b, fromGoogle)
}
