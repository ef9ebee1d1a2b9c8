package buffer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect/frame"
)

func three() []Member {
	return []Member{{"a", "127.0.0.1:7001"}, {"b", "127.0.0.1:7002"}, {"c", "127.0.0.1:7003"}}
}

func TestWrongConfigurationIsRefusedByTheNameOfItsField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"two nodes":           {func(c *Config) { c.Members = c.Members[:2] }, "members"},
		"four nodes":          {func(c *Config) { c.Members = append(three(), Member{"d", "127.0.0.1:7004"}) }, "members"},
		"one name twice":      {func(c *Config) { c.Members[1].Name = "a" }, "members"},
		"one address twice":   {func(c *Config) { c.Members[1].Address = c.Members[0].Address }, "members"},
		"no port":             {func(c *Config) { c.Members[1].Address = "127.0.0.1" }, "members"},
		"a name with a dot":   {func(c *Config) { c.Members[1].Name = "b.c" }, "members"},
		"none of the members": {func(c *Config) { c.Node = "d" }, "node"},
		"short secret":        {func(c *Config) { c.Secret = "short" }, "secret"},
		"no folder":           {func(c *Config) { c.Folder = "" }, "folder"},
		"no room":             {func(c *Config) { c.MaxBytes = 1 }, "bytes"},
		"plain on a network":  {func(c *Config) { c.Members[2].Address = "10.0.0.3:7003" }, "tls"},
		"an older version": {func(c *Config) {
			c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), RootCAs: x509.NewCertPool(), Certificates: make([]tls.Certificate, 1)}
		}, "1.3"},
		"certificates one-sided": {func(c *Config) { c.TLS = &tls.Config{MinVersion: tls.VersionTLS13} }, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Node: "a", Members: three(), Secret: "sixteen characters", Folder: t.TempDir()}
			c.change(&cfg)
			_, err := Open(t.Context(), cfg, newBooks())
			if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrInvalid that names %s", err, c.want)
			}
		})
	}
}

func TestStartAmongOtherMembersIsRefused(t *testing.T) {
	cfg := Config{Node: "a", Members: three(), Secret: "sixteen characters", Folder: filepath.Join(t.TempDir(), "x")}
	if err := keepMembers(cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Members[0].Address = "127.0.0.1:7009" // may move
	if err := keepMembers(cfg); err != nil {
		t.Errorf("a member that moved is refused: %v", err)
	}
	cfg.Members[2].Name = "d"
	_, err := Open(t.Context(), cfg, newBooks())
	if !errors.Is(err, thimble.ErrConflict) || !strings.Contains(err.Error(), "members cannot change") {
		t.Errorf("got %v, want ErrConflict that says that members cannot change", err)
	}
	cfg = Config{Node: "b", Members: three(), Secret: cfg.Secret, Folder: cfg.Folder}
	if _, err := Open(t.Context(), cfg, newBooks()); !errors.Is(err, thimble.ErrConflict) {
		t.Errorf("the folder of another node: got %v, want ErrConflict", err)
	}
}

func TestAloneANodeTakesWhatTheArchiveTakes(t *testing.T) {
	members := three()
	for i, address := range freeAddresses(t, len(members)) {
		members[i].Address = address
	}
	a := &switched{books: newBooks()}
	b, err := Open(t.Context(), Config{Node: "a", Members: members, Secret: "sixteen characters", Folder: t.TempDir(), Wait: 3e9, Patience: 2e8}, a)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(t.Context())
	got, err := b.Append(t.Context(), batchOf(1, 0, 3, 100))
	if err != nil || got.Kept != 3 {
		t.Errorf("got %+v, %v, want 3 kept", got, err)
	}
	a.off.Store(true)
	if _, err := b.Append(t.Context(), batchOf(1, 1, 3, 100)); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("without cluster and archive: got %v, want ErrUnavailable", err)
	}
	if err := b.Healthy(t.Context()); !errors.Is(err, thimble.ErrUnavailable) {
		t.Errorf("Healthy says %v without cluster and archive", err)
	}
}

func TestRecordsAreSplitAndGetKeysAndComeBack(t *testing.T) {
	records := batchOf(1, 0, 3000, 900)
	records[7].Repeat = frame.Key{}
	calls, err := split(records, timeOf(records))
	if err != nil || len(calls) < 3 {
		t.Fatalf("%d pieces, %v", len(calls), err)
	}
	var body []byte
	for _, c := range calls {
		if len(c.body) > groupBytes+groupBytes/8 {
			t.Errorf("a piece has %d bytes", len(c.body))
		}
		body = append(body, c.body...)
	}
	back, err := decodeRecords(body)
	if err != nil || len(back) != len(records) {
		t.Fatalf("%d records came back, %v", len(back), err)
	}
	for i := range back {
		want := records[i].Repeat
		if i == 7 {
			want = frame.Key(records[7].ID)
		}
		if back[i].ID != records[i].ID || back[i].Repeat != want || string(back[i].Parts[0].Sealed) != string(records[i].Parts[0].Sealed) {
			t.Fatalf("record %d came back as another", i)
		}
	}
	if records[7].Repeat != (frame.Key{}) {
		t.Error("a record of the caller was changed")
	}
	if _, err := split([]frame.Record{{ID: records[0].ID, Subject: records[0].Subject, Parts: []frame.Part{{Category: "c", Sealed: make([]byte, maxMessage)}}}}, timeOf(records)); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("a record larger than a message: got %v, want ErrInvalid", err)
	}
}

// switched is an archive that can be away.
type switched struct {
	*books
	off atomic.Bool
}

func (s *switched) Append(ctx context.Context, records []frame.Record) (frame.Appended, error) {
	if s.off.Load() {
		return frame.Appended{}, thimble.ErrUnavailable
	}
	return s.books.Append(ctx, records)
}

func timeOf(records []frame.Record) time.Time { return time.UnixMicro(records[0].Received) }
