package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/problem"
)

// PageAddress returns the problem of an address on which the page cannot be served. taken is true if another program listens there.
func PageAddress(address, reason string, taken bool, cause error) *problem.Problem {
	hint := "Choose another address, such as 127.0.0.1:8099."
	if taken {
		hint = "Choose another port, or port 0 for one that is free: 127.0.0.1:0."
	}
	return &problem.Problem{
		Kind: problem.Failed, Code: "page_address", Message: "could not serve the page on " + address,
		Detail: sentence(reason) + " Nothing was changed.", Hint: hint, Cause: cause,
	}
}

// BadPageAddress returns the problem of an address that is not a host and a port.
func BadPageAddress(address string) *problem.Problem {
	return usage("bad_page_address", fmt.Sprintf("the page's address cannot be %s", address), "It needs a host and a port.", "Try: 127.0.0.1:8099")
}

// PageNotLoopback returns the problem of an address that other machines reach.
func PageNotLoopback(address string) *problem.Problem {
	return usage("page_not_loopback", "the page's address is not a loopback address: "+address,
		"Other machines could reach the page, and it is not encrypted.",
		"Use 127.0.0.1 and a tunnel: ssh -L 8099:127.0.0.1:8099 HOST. To serve the page on the network, add --serve-remote.")
}

// OnePage returns the problem of a page for many schemas.
func OnePage() *problem.Problem {
	return usage("one_page", "--serve requires a single schema, not a pattern or --targets", "", `Run rekey serve for each schema that you want to see.`)
}

// BadPace returns the problem of a pace that the page does not offer.
func BadPace() *problem.Problem {
	return usage("bad_pace", "the pace is unknown", "", "Choose gentle, normal or full.")
}

// BadMaxImpact returns the problem of a limit of the impact that is neither a number nor off.
func BadMaxImpact() *problem.Problem {
	return usage("bad_max_impact", "the limit of the impact is not a number", "", "Choose a number such as 1.5, or off.")
}

// NoRunYet returns the problem of a request from the page before the command is connected.
func NoRunYet() *problem.Problem {
	return &problem.Problem{Kind: problem.Failed, Code: "no_run", Message: "no run is active yet", Hint: "Wait until it has begun."}
}
