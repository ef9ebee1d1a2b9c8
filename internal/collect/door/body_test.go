package door_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"thimble/internal/collect/segment"
)

func packed(t *testing.T, coding, body string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if coding == "deflate" {
		w = zlib.NewWriter(&b)
	}
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPackedBodiesAreUnpackedWithinBounds(t *testing.T) {
	b := open(t)
	for range 3 { // the readers are used again
		for _, coding := range []string{"gzip", "deflate", "x-gzip", "GZIP"} {
			res := b.do("POST", "/v1/track", packed(t, coding, event), auth(till), "Content-Encoding: "+coding)
			if got := b.intake.since(); res.StatusCode != 200 || len(got) != 1 || got[0].Body != event {
				t.Errorf("%s: %s %s, %+v", coding, res.Status, res.body, got)
			}
		}
	}
	if res := b.do("POST", "/v1/t", packed(t, "gzip", `{"writeKey":"`+browser+`"}`), "Content-Encoding: gzip", "Origin: "+shopURL); res.StatusCode != 200 {
		t.Errorf("a key in a packed body: %s", res.Status)
	}
	b.intake.since()
	bomb := packed(t, "gzip", strings.Repeat("0", 100<<20))
	for name, c := range map[string]struct{ body, coding, rule string }{
		"zeros":                          {bomb, "gzip", "500 KB at most"},
		"zeros, deflated":                {packed(t, "deflate", strings.Repeat("0", 50<<20)), "deflate", "500 KB at most"},
		"a packed pack":                  {packed(t, "gzip", packed(t, "gzip", event)), "gzip, gzip", "once"},
		"two headers":                    {packed(t, "gzip", event), "gzip\nContent-Encoding: gzip", "once"},
		"brotli":                         {event, "br", "once"},
		"not packed":                     {event, "gzip", "not what Content-Encoding says"},
		"not deflated":                   {event, "deflate", "not what Content-Encoding says"},
		"cut":                            {packed(t, "gzip", event)[:20], "gzip", "not what Content-Encoding says"},
		"a wrong checksum":               {packed(t, "gzip", event)[:len(packed(t, "gzip", event))-8] + "xxxxxxxx", "gzip", "not what Content-Encoding says"},
		"one byte more than it may have": {packed(t, "gzip", strings.Repeat(" ", segment.MaxBody+1)), "gzip", "500 KB at most"},
	} {
		headers := []string{auth(till)}
		for _, coding := range strings.Split(c.coding, "\nContent-Encoding: ") {
			headers = append(headers, "Content-Encoding: "+coding)
		}
		res := b.do("POST", "/v1/batch", c.body, headers...)
		if res.StatusCode != 400 || !strings.Contains(res.body, c.rule) {
			t.Errorf("%s: %s %s, want 400 and %q", name, res.Status, res.body, c.rule)
		}
	}
	if got := b.intake.since(); len(got) != 0 {
		t.Errorf("%d bad bodies were taken", len(got))
	}
}

func TestABodyMayHave500KBAndNotAByteMore(t *testing.T) {
	b := open(t)
	for size, status := range map[int]int{segment.MaxBody: 200, segment.MaxBody + 1: 400, 4096: 200, 16 << 10: 200, 128 << 10: 200, 128<<10 + 1: 200, 0: 200} {
		body := strings.Repeat(" ", size)
		for _, chunked := range []bool{false, true} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/v1/batch", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if chunked {
				r.ContentLength = -1
			}
			r.Header.Set("Authorization", basic(till))
			res, err := b.server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got := b.intake.since(); res.StatusCode != status || status == 200 && (len(got) != 1 || got[0].Body != body) {
				t.Errorf("%d bytes, chunked %t: %s, want %d", size, chunked, res.Status, status)
			}
		}
	}
}
