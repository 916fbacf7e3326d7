// Package citustest holds the tests on a Citus cluster, which REKEY_CITUS_URL names: the URL of its coordinator. Without it they are
// skipped. The role must be a superuser on every node.
package citustest
