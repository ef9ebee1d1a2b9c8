package timelinedb_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/powercuttest"
	"thimble/internal/sqldb"
	"thimble/internal/thimbletest"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "erases-until-done" {
		erasesUntilDone(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// erasesUntilDone is the child under strace: people are about, their events are built in
// and reach the file of the view, and one after the other is erased.
func erasesUntilDone(folder string) {
	var p powercuttest.Process
	s := thimbletest.Open(&p, map[string]string{"data": folder})
	var people []thimble.SubjectID
	for i := range 6 {
		people = append(people, s.Subject(fmt.Sprintf("account-%d", i), thimbletest.Allows(thimble.PersonalizeContent)...))
	}
	for i, who := range people {
		for _, one := range people[i:] {
			s.Browses(one, "shirt", "scarf")
		}
		if i%2 == 0 {
			p.Must(s.View.Truncate(context.Background())) // as a checkpoint does
		}
		s.Erase(who)
		fmt.Printf("ack erase %s\n", who)
	}
	p.End()
}

// What is deleted from the view may be there again after a power cut: its last commits go.
func TestAfterAPowerCutAStartDeletesTheRowsOfWhoeverWasErased(t *testing.T) {
	const seed = 5
	folder := filepath.Join(t.TempDir(), "data")
	ops := powercuttest.Run(t, folder, os.Args[0], "erases-until-done", folder)
	n := 25
	if os.Getenv("THIMBLE_SOAK") != "" {
		n = 1000
	}
	back := 0
	tally := powercuttest.Tally{Model: powercuttest.Journal}
	tally.Explore(t, ops, seed, n, func(tb testing.TB, folder string, image powercuttest.Image) ([]string, bool) {
		was, wrong := rowsOfTheErased(tb, folder, image)
		if was {
			back++
		}
		return wrong, false
	})
	t.Logf("seed %d; %s; rows of somebody erased were there again in %d of them", seed, &tally, back)
	if back == 0 {
		t.Error("no cut brought rows of somebody erased back: the test proves nothing")
	}
}

// rowsOfTheErased starts on an image, and reports whether rows of somebody erased were there
// before that, and what is wrong afterwards.
func rowsOfTheErased(tb testing.TB, folder string, image powercuttest.Image) (were bool, wrong []string) {
	tb.Helper()
	var erased []thimble.SubjectID
	for _, line := range image.Said {
		word := strings.Fields(line)
		who, err := thimble.ParseSubjectID(word[len(word)-1])
		if err != nil {
			tb.Fatalf("the child says %q", line)
		}
		erased = append(erased, who)
	}
	ctx, stop := context.WithCancel(tb.Context())
	defer stop()
	cfg, err := app.Load(map[string]string{"data": folder}, func(string) string { return "" }, os.DevNull)
	if err != nil {
		return false, []string{err.Error()}
	}
	a, err := app.Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return false, []string{err.Error()}
	}
	defer a.Close() //nolint:errcheck // an image
	if err := a.Recover(ctx); err != nil {
		return false, []string{err.Error()}
	}
	left := func() (rows int) {
		err = a.View.Read(ctx, func(tx *sqldb.Tx) error {
			rows = 0
			for _, table := range []string{"collect_postings", "collect_months"} {
				for _, who := range erased {
					var n int
					if err := tx.QueryRow(ctx, `select count(*) from `+table+` where subject_id = $1`, who[:]).Scan(&n); err != nil {
						return err
					}
					rows += n
				}
			}
			return nil
		})
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		return rows
	}
	were = left() > 0
	ran := make(chan error, 1)
	go func() { ran <- a.Timeline.Run(ctx) }()
	for range 1000 {
		if left() == 0 || len(wrong) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := left(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d rows are left of %d people who were erased", n, len(erased)))
	}
	stop()
	if err := <-ran; err != nil {
		wrong = append(wrong, err.Error())
	}
	return were, slices.Compact(wrong)
}
