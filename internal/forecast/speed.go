package forecast

import "time"

// processorTime is what a number of the calibration's query takes on the machine of the constants.
const processorTime = 177 * time.Nanosecond

// The limits of a measured processor: outside of them the machine was busy, or the clock is coarse.
const slowest, fastest = 10, 0.2

// Measure sets the speed of the processor, from the time of one number of the calibration's query.
func (s *Speed) Measure(each time.Duration) {
	if each <= 0 {
		return
	}
	s.Measured = true
	s.Processor = min(max(float64(each)/float64(processorTime), fastest), slowest)
}
