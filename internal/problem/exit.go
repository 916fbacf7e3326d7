package problem

// ExitCode is the exit code of a command that ended with the error; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	switch All(err)[0].Kind {
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
