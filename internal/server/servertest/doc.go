// Package servertest starts real PostgreSQL servers for tests: one per major version and test process, on first
// use, and on it a new database for each test.
//
//	func TestMain(m *testing.M) { servertest.Main(m) }
//
//	func TestColumns(t *testing.T) {
//		servertest.Each(t, func(t *testing.T, c *server.Cluster) {
//			db := servertest.Database(t, c)
//			…
//		})
//	}
//
// REKEY_PG_VERSIONS selects the major versions: a list as 13,15,18 or the word all. A version that is not installed
// and cannot be downloaded fails the test. With REKEY_KEEP=1 a process with failed tests keeps their databases until
// Ctrl-C.
package servertest
