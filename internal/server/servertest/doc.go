// Package servertest gives tests real PostgreSQL servers: one per major version and test process,
// started when first asked for, and on it a fresh database for each test.
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
// REKEY_PG_VERSIONS says which major versions (a list as 13,15,18 or the word all). A version that is
// not there fails the test. With REKEY_KEEP=1 a process with failed tests waits for Ctrl-C, so that
// one can look at their databases.
package servertest
