package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// The publisher switches, goes back, and switches again, while both applications work and a subscriber applies their changes. Then the
// subscriber switches too. No change fails to apply, and the rows are the same. The subscriber has the publisher's version and, of
// PostgreSQL 15, also the newest one.
func TestSubscriberWhilePublisherSwitches(t *testing.T) {
	if !long() {
		t.Skip("minutes: REKEY_ACCEPTANCE=1")
	}
	majors := servertest.Versions(t)
	pairs := [][2]int{}
	for _, major := range majors {
		pairs = append(pairs, [2]int{major, major})
	}
	if newest := majors[len(majors)-1]; slices.Contains(majors, 15) && newest > 15 {
		pairs = append(pairs, [2]int{15, newest})
	}
	for _, pair := range pairs {
		t.Run(fmt.Sprintf("pg%d to pg%d", pair[0], pair[1]), func(t *testing.T) {
			subscriberOf(t, servertest.Cluster(t, pair[0]), servertest.Cluster(t, pair[1]))
		})
	}
}

func subscriberOf(t *testing.T, publisher, subscriber *server.Cluster) {
	t.Helper()
	r := newReplication(t, publisher, subscriber, plainShop(60))
	traffic, err := apps.Start(t.Context(), apps.Options{URL: r.publisher.Config().ConnString(), Graph: r.graph, Pause: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.Stop()
	r.up(r.subscriber, rekey.Linked)
	r.up(r.publisher, rekey.Linked)
	traffic.Filled()
	const n = 500
	compared := 0
	same := func(when string) {
		r.traffic(traffic, n, n)
		traffic.Pause(func() { r.same(when, bothColumns) })
		compared++
	}
	same("both are linked")
	r.up(r.publisher, rekey.Switched)
	same("the publisher is switched")
	if _, err := rekeytest.Down(t.Context(), r.publisher, r.setup(rekey.Linked)); err != nil {
		t.Fatal(err)
	}
	same("the publisher is linked again")
	r.up(r.publisher, rekey.Switched)
	same("the publisher is switched again")
	r.up(r.subscriber, rekey.Switched)
	same("both are switched")
	traffic.Stop()
	rows := r.same("the end", bothColumns)
	f := traffic.Figures()
	if f.Failed+f.Wrong > 0 {
		t.Errorf("%s: %q", f, f.Errors)
	}
	if !t.Failed() {
		t.Logf("acceptance 10: PostgreSQL %d to %d: the publisher switched, went back and switched, then the subscriber: 0 errors in applying, all tables equal at %d moments, %d references of the subscriber; %s",
			publisher.Major, subscriber.Major, compared+1, rows, f)
	}
}
