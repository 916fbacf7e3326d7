// Package steptest tests the laws of steps and plans, and compares databases by fingerprints. Its own tests run the laws on
// real servers.
//
//	idempotent  a step that is done does nothing
//	resumable   interrupted before any action, the same call continues
//	confluent   an interrupted run ends in the same state as an uninterrupted one
//	mirror      down, from any state, ends in the state before up
package steptest
