package app_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect/frame"
	"thimble/internal/session"
	"thimble/internal/sqldb"
	"thimble/internal/staff"
	"thimble/internal/thimbletest"
)

// get asks a served installation, as its operator does.
func get(t *testing.T, addr, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// inLog changes the log of events behind the back of those who use it.
func inLog(t *testing.T, s *thimbletest.Shop, text string) {
	t.Helper()
	err := s.Events.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec(t.Context(), text); return err })
	if err != nil {
		t.Fatal(err)
	}
}

// still serves an installation in which nobody follows the log.
func still(t *testing.T, s *thimbletest.Shop) (addr string) {
	t.Helper()
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func wantLines(t *testing.T, when, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s: %s is missing", when, line)
		}
	}
}

func TestHowFarTheLogIsReadIsMeasuredAndNobodyIsNamed(t *testing.T) {
	s := on(t, nil)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Browses(ada, "SHIRT")
	addr := still(t, s)
	_, text := get(t, addr, "/metrics")
	wantLines(t, "at rest", text, `thimble_log_behind_frames{follower="view"} 0`, `thimble_log_behind_frames{follower="orders"} 0`, `thimble_log_behind_seconds{follower="view"} 0`,
		"thimble_log_healthy 1", "thimble_buffer_healthy 1", "thimble_log_frames 1", "thimble_log_unreadable_frames 0", "thimble_log_compaction_frames 0")
	for range 3 {
		if _, err := s.Frames.Append(t.Context(), []frame.Record{{Counts: []frame.Count{{Event: "Product Viewed", N: 1}}}, {Counts: []frame.Count{{Event: "Cart Viewed", N: 1}}}}); err != nil {
			t.Fatal(err)
		}
	}
	_, text = get(t, addr, "/metrics")
	wantLines(t, "behind", text, `thimble_log_behind_frames{follower="view"} 3`, `thimble_log_behind_events{follower="view"} 6`, `thimble_log_behind_events{follower="orders"} 6`, "thimble_log_frames 4")
	if strings.Contains(text, `thimble_log_behind_seconds{follower="view"} 0`+"\n") {
		t.Error("what waits has no age")
	}
	clean(t, "/metrics", text)
	if strings.Contains(text, ada.String()) || strings.Contains(text, "SHIRT") {
		t.Error("the metrics name a person or what they looked at")
	}
	if err := s.Timeline.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, text = get(t, addr, "/metrics")
	wantLines(t, "built in", text, `thimble_log_behind_frames{follower="view"} 0`, `thimble_log_behind_events{follower="view"} 0`)
}

func TestAServerWhoseLogTakesNothingIsNotReadyUntilItDoes(t *testing.T) {
	s := on(t, nil)
	h, err := s.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := serving(t, s, h)
	if code, text := get(t, addr, "/readyz"); code != http.StatusOK {
		t.Fatalf("a server that is well answers %d, %q", code, text)
	}
	inLog(t, s, `create trigger full_frames before insert on log_frames begin select raise(abort, 'no room'); end`)
	inLog(t, s, `create trigger full_head before update on log_head begin select raise(abort, 'no room'); end`)
	some := []frame.Record{{Counts: []frame.Count{{Event: "Product Viewed", N: 1}}}}
	if _, err := s.Frames.Append(t.Context(), some); !errors.Is(err, thimble.ErrUnavailable) {
		t.Fatalf("got %v, want it to be unavailable", err)
	}
	if code, text := get(t, addr, "/readyz"); code != http.StatusServiceUnavailable || strings.Contains(text, "room") {
		t.Errorf("the log takes nothing: /readyz answers %d, %q", code, text)
	}
	_, text := get(t, addr, "/metrics")
	wantLines(t, "the log takes nothing", text, "thimble_log_healthy 0")
	inLog(t, s, `drop trigger full_frames`)
	inLog(t, s, `drop trigger full_head`)
	if code, _ := get(t, addr, "/readyz"); code != http.StatusOK { // nobody has sent anything
		t.Errorf("the log takes commits again: /readyz answers %d", code)
	}
	_, text = get(t, addr, "/metrics")
	wantLines(t, "well again", text, "thimble_log_healthy 1")
}

func TestADamagedFrameIsCountedAndShownOnTheOverview(t *testing.T) {
	s := on(t, nil)
	ada := s.Subject("ada", thimbletest.Allows(personalize)...)
	s.Browses(ada, "SHIRT")
	s.Employs("mara", staff.Admin)
	overview := func() string {
		t.Helper()
		code, _, page := frontDoor(t, s)("thimble_staff", session.Who{Audience: session.Staff, Staff: "mara"}).do("GET", "/console", nil)
		if code != http.StatusOK {
			t.Fatalf("the overview answers %d", code)
		}
		return page
	}
	if strings.Contains(overview(), "Damaged frames") {
		t.Error("the overview speaks of damage where there is none")
	}
	inLog(t, s, `update log_frames set bytes = x'00' where seq = 1`)
	s.Browses(ada, "SCARF") // it goes on
	if _, err := s.Timeline.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, text := get(t, still(t, s), "/metrics")
	wantLines(t, "damaged", text, "thimble_log_unreadable_frames 1", `thimble_log_behind_frames{follower="view"} 0`)
	if !strings.Contains(overview(), "Damaged frames") {
		t.Error("the overview does not show the damage")
	}
}
