// Package acceptance holds the acceptance tests of the phases linked, switched and contracted: whole runs, with the figures that they must reach.
//
// Most tests have a short form, which is part of the suite, and a long one, which make acceptance runs on every version.
package acceptance
