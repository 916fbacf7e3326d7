package problem

// ExitCode returns the exit code of a command that ended with err: 0 for nil, else the one that the
// documentation of [Kind] lists for the first problem of err.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	list := All(err)
	if len(list) == 0 { // an empty List
		return 1
	}
	switch list[0].Kind {
	case Usage:
		return 2
	case Refused:
		return 4
	case Running:
		return 5
	case Differs:
		return 6
	case Stopped:
		return 7
	case Interrupted:
		return 130
	default:
		return 1
	}
}
