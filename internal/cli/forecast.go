package cli

import (
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// forecastFlags say what a forecast is made from.
type forecastFlags struct {
	calibrate bool
	diskFree  size
}

func (o *forecastFlags) register(cmd *cobra.Command) {
	cmd.Flags().Var(&o.diskFree, "disk-free", "free space of the server's disk, for the risk disk")
}

func (o *forecastFlags) registerCalibrate(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.calibrate, "calibrate", false, "measure this server for the forecast; only reads, for two seconds at most")
}

func (o *forecastFlags) options() rekey.ForecastOptions {
	return rekey.ForecastOptions{Calibrate: o.calibrate, DiskFree: int64(o.diskFree)}
}

// costs are what a run was expected to cost, and what it has cost.
type costs struct {
	expected []event.Forecast
	actual   []event.Measured
}

func (c *costs) add(e event.Event) {
	switch e := e.(type) {
	case event.Forecast:
		c.expected = append(c.expected, e)
	case event.Measured:
		c.actual = append(c.actual, e)
	}
}
