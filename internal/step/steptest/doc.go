// Package steptest holds the laws that every step and every plan obeys, and the fingerprints by which
// a database is known to be the same as before. Its tests run the laws on real servers.
//
//	idempotent  what was done is not done again
//	resumable   cut before any action, the same call goes on
//	confluent   and ends as one that was never cut
//	mirror      the way back from anywhere ends where the way began
package steptest
