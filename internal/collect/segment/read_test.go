package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect/plan"
)

var arrived = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

const everything = ^uint64(0)

func compiled(t testing.TB) *plan.Compiled {
	t.Helper()
	c, err := plan.Compile(plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arrival makes message ids that a test can foresee.
func arrival() Arrival {
	return Arrival{At: arrived, Random: func(b []byte) { clear(b) }}
}

func read(t testing.TB, r *Reader, call Call, body string) *Body {
	t.Helper()
	b, err := r.Read([]byte(body), call, arrival())
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return b
}

// emitted reads one event and returns what is written of it.
func emitted(t testing.TB, r *Reader, body string, mask uint64) string {
	t.Helper()
	b := read(t, r, Batch, `{"batch":[`+body+`]}`)
	if len(b.Events) != 1 {
		t.Fatalf("%s: %d events, refused %v", body, len(b.Events), b.Refused)
	}
	out, _ := b.Emit(nil, &b.Events[0], mask)
	return string(out)
}

func TestThePathSaysTheCall(t *testing.T) {
	for path, want := range map[string]Call{
		"/v1/track": Track, "/v1/t": Track, "/v1/identify": Identify, "/v1/i": Identify, "/v1/page": Page, "/v1/p": Page, "/v1/screen": Screen, "/v1/s": Screen,
		"/v1/group": Group, "/v1/g": Group, "/v1/alias": Alias, "/v1/a": Alias, "/v1/batch": Batch, "/v1/b": Batch, "/v1/import": Batch,
	} {
		if got, ok := ByPath(path); !ok || got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"", "/v1/", "/v1/m", "/v2/track", "/v1/track/"} {
		if c, ok := ByPath(path); ok {
			t.Errorf("%q is %s, want nothing", path, c)
		}
	}
}

func TestAnEventIsReadFromBothFormsOfTheWire(t *testing.T) {
	r := NewReader(compiled(t))
	const event = `{"type":"track","event":"Viewed Product","userId":null,"anonymousId":"an\u006fn-1","messageId":"m1","timestamp":"2026-11-29T11:00:00.123456789Z",
		"properties":{"product_id":"p1","price":19.99,"currency":"EUR","secret":"x"},
		"context":{"ip":"192.0.2.7","locale":"de-DE","userAgent":"UA","page":{"url":"https://jo:pw@shop.example/p/shirt?ajs_uid=7#x"},"consent":{"categoryPreferences":{"Analytics":true},"google":{"ad_storage":"denied"},"tcf":"CP"}},
		"writeKey":"wk","sentAt":"2026-11-29T11:30:00Z"}`
	for _, form := range []struct {
		call Call
		body string
	}{
		{Track, event},
		{Batch, `{"writeKey":"wk","batch":[` + event + `]}`},
	} {
		b := read(t, r, form.call, form.body)
		if len(b.Events) != 1 || len(b.Refused) != 0 {
			t.Fatalf("%s: %d events, refused %v", form.call, len(b.Events), b.Refused)
		}
		ev := &b.Events[0]
		ev.Country = [2]byte{'D', 'E'}
		got := map[string]string{
			"type": ev.Call.String(), "event": ev.Message.Name, "sent as": string(b.Bytes(ev.Name)), "user": string(b.Bytes(ev.UserID)), "anonymous": string(b.Bytes(ev.AnonymousID)),
			"message": string(b.Bytes(ev.MessageID)), "ip": string(b.Bytes(ev.IP)), "consent": string(b.Bytes(ev.Signals.Consent)), "google": string(b.Bytes(ev.Signals.Google)),
			"tcf": string(b.Bytes(ev.Signals.TCF)), "key": string(b.Bytes(b.WriteKey)), "time": time.UnixMicro(ev.Time).UTC().Format(time.RFC3339Nano),
			"unknown": string(b.Bytes(b.Unknown[0].Name)), "unknowns": fmt.Sprint(len(b.Unknown)),
		}
		want := map[string]string{
			"type": "track", "event": "Product Viewed", "sent as": "Viewed Product", "user": "", "anonymous": "anon-1", "message": "m1", "ip": "192.0.2.7",
			"consent": `{"categoryPreferences":{"Analytics":true},"google":{"ad_storage":"denied"},"tcf":"CP"}`, "google": `{"ad_storage":"denied"}`, "tcf": "CP", "key": "wk",
			// It happened half an hour before it was sent, so half an hour before it came.
			"time": "2026-11-29T11:30:00.123456Z", "unknown": "secret", "unknowns": "1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", form.call, diff)
		}
		out, ok := b.Emit(nil, ev, everything)
		wantOut := `{"plan":1,"type":"track","event":"Product Viewed","time":1796038200123456,"country":"DE","properties":{"currency":"EUR","price_minor":1999,"product_id":"p1"},"context":{"locale":"de-DE","page":{"url":"https://shop.example/p/shirt"}}}`
		wantOut = strings.Replace(wantOut, "1796038200123456", fmt.Sprint(ev.Time), 1)
		if !ok || string(out) != wantOut {
			t.Errorf("%s: written is\n%s, want\n%s", form.call, out, wantOut)
		}
	}
}

func TestSharedPartsOfABatchLieUnderEachEventsOwn(t *testing.T) {
	r := NewReader(compiled(t))
	for name, body := range map[string]string{
		"before": `{"context":{"locale":"de","ip":"192.0.2.1","library":{"name":"go"},"consent":{"gpp":"DB"}},"integrations":{"All":false},"sentAt":"2026-11-29T12:00:00Z","batch":[%s]}`,
		"behind": `{"batch":[%s],"sentAt":"2026-11-29T12:00:00Z","integrations":{"All":false},"context":{"locale":"de","ip":"192.0.2.1","library":{"name":"go"},"consent":{"gpp":"DB"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			body := fmt.Sprintf(body, `{"type":"page","userId":"u","messageId":"a","name":"Home","timestamp":"2026-11-29T11:59:00Z"},
				{"type":"page","userId":7,"messageId":"b","context":{"locale":"fr","library":null},"integrations":{"X":true},"timestamp":"2026-11-29T12:59:00Z"}`)
			b := read(t, r, Batch, body)
			if len(b.Events) != 2 {
				t.Fatalf("%d events, refused %v", len(b.Events), b.Refused)
			}
			var got []string
			for i := range b.Events {
				ev := &b.Events[i]
				out, _ := b.Emit(nil, ev, everything)
				got = append(got, string(out), string(b.Bytes(ev.UserID)), string(b.Bytes(ev.Integrations)), string(b.Bytes(ev.IP)), string(b.Bytes(ev.Signals.GPP)))
			}
			first, now := arrived.Add(-time.Minute).UnixMicro(), arrived.UnixMicro()
			want := []string{
				fmt.Sprintf(`{"plan":1,"type":"page","time":%d,"name":"Home","context":{"library":{"name":"go"},"locale":"de"}}`, first), "u", `{"All":false}`, "192.0.2.1", "",
				fmt.Sprintf(`{"plan":1,"type":"page","time":%d,"context":{"library":{"name":"go"},"locale":"fr"}}`, now), "7", `{"X":true}`, "192.0.2.1", "",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if gpp := string(b.Bytes(b.Shared.GPP)); gpp != "DB" {
				t.Errorf("the shared consent string is %q, want it handed out for all", gpp)
			}
		})
	}
}

func TestABadEventCostsOnlyItself(t *testing.T) {
	r := NewReader(compiled(t))
	const good = `{"type":"track","event":"Product Viewed","userId":"u","messageId":"m","properties":{"sku":"s"}}`
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for _, c := range []struct {
		name, event string
		rule        Rule
	}{
		{"a number", `5`, NotObject},
		{"null", `null`, NotObject},
		{"no type", `{"userId":"u"}`, BadType},
		{"an unknown type", `{"type":"batch","userId":"u"}`, BadType},
		{"a type that is no string", `{"type":5,"userId":"u"}`, BadType},
		{"no id", `{"type":"page"}`, NoID},
		{"empty ids", `{"type":"page","userId":"","anonymousId":null}`, NoID},
		{"an id that is an object", `{"type":"page","userId":{}}`, BadID},
		{"an id that is a fraction", `{"type":"page","userId":1.5}`, BadID},
		{"an id that is long", `{"type":"page","userId":"` + strings.Repeat("a", 513) + `"}`, BadID},
		{"a track without a name", `{"type":"track","userId":"u"}`, BadEvent},
		{"a track whose name is a number", `{"type":"track","userId":"u","event":5}`, BadEvent},
		{"an alias without the other id", `{"type":"alias","userId":"u"}`, NoID},
		{"a group without its id", `{"type":"group","userId":"u"}`, NoID},
		{"a message id of 101", `{"type":"page","userId":"u","messageId":"` + strings.Repeat("é", 101) + `"}`, BadMessageID},
		{"a message id that is a number", `{"type":"page","userId":"u","messageId":5}`, BadMessageID},
		{"a key twice", `{"type":"page","userId":"u","userId":"v"}`, TwiceKey},
		{"an unknown key twice", `{"type":"page","userId":"u","x":1,"x":2}`, TwiceKey},
		{"a key twice, once escaped", `{"type":"page","userId":"u","\u0075serId":"v"}`, TwiceKey},
		{"a context twice", `{"type":"page","userId":"u","context":{},"context":{}}`, TwiceKey},
		{"a key of the context twice", `{"type":"page","userId":"u","context":{"x":1,"x":1}}`, TwiceKey},
		{"a planned key of the context twice, first null", `{"type":"page","userId":"u","context":{"ip":null,"ip":"1"}}`, TwiceKey},
		{"a consent twice", `{"type":"page","userId":"u","context":{"consent":{},"consent":{}}}`, TwiceKey},
		{"a consent twice, once escaped", `{"type":"page","userId":"u","context":{"consent":{},"cons\u0065nt":{}}}`, TwiceKey},
		{"a category twice", `{"type":"page","userId":"u","context":{"consent":{"categoryPreferences":{"A":false,"A":true}}}}`, TwiceKey},
		{"a category twice, once escaped", `{"type":"page","userId":"u","context":{"consent":{"categoryPreferences":{"Ads":false,"A\u0064s":true}}}}`, TwiceKey},
		{"a state of Google twice", `{"type":"page","userId":"u","context":{"consent":{"google":{"ad_storage":"denied","ad_storage":"granted"}}}}`, TwiceKey},
		{"a key of the properties twice", `{"type":"track","event":"Product Viewed","userId":"u","properties":{"sku":1,"sku":2}}`, TwiceKey},
		{"a key of a product twice", `{"type":"track","event":"Cart Viewed","userId":"u","properties":{"products":[{"sku":"1","sku":"2"}]}}`, TwiceKey},
		{"properties before the name, with a key twice", `{"properties":{"sku":1,"sku":2},"type":"track","event":"Product Viewed","userId":"u"}`, TwiceKey},
		{"too many keys", `{"type":"page","userId":"u","context":{` + manyKeys(1002) + `}}`, TooManyKeys},
		{"bytes that are not UTF-8", "{\"type\":\"page\",\"userId\":\"\xff\"}", BadUTF8},
		{"such bytes in what is not read", "{\"type\":\"page\",\"userId\":\"u\",\"x\":{\"y\":\"\xc3\"}}", BadUTF8},
		{"half a surrogate pair", `{"type":"page","userId":"\ud800"}`, LoneSurrogate},
		{"the other half", `{"type":"page","userId":"\udc00x"}`, LoneSurrogate},
		{"two first halves", `{"type":"page","userId":"\ud800\ud800"}`, LoneSurrogate},
		{"depth", `{"type":"page","userId":"u","x":` + deep + `}`, TooDeep},
		{"a number out of range", `{"type":"page","userId":"u","x":1e400}`, BadNumber},
		{"a number out of range below", `{"type":"page","userId":"u","x":1e-400}`, BadNumber},
		{"a number of 65 digits", `{"type":"page","userId":"u","x":` + strings.Repeat("1", 65) + `}`, BadNumber},
		{"a context that is a list", `{"type":"page","userId":"u","context":[]}`, BadConsent},
		{"a consent that is a string", `{"type":"page","userId":"u","context":{"consent":"all"}}`, BadConsent},
		{"a consent string that is a number", `{"type":"page","userId":"u","context":{"consent":{"tcf":1}}}`, BadConsent},
		{"size", `{"type":"page","userId":"u","x":"` + strings.Repeat("a", MaxEvent) + `"}`, TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := read(t, r, Batch, `{"batch":[`+good+`,`+c.event+`,`+good+`]}`)
			if diff := cmp.Diff([]Refusal{{1, c.rule}}, b.Refused); diff != "" {
				t.Fatal(diff)
			}
			if len(b.Events) != 2 || b.Events[1].Index != 2 {
				t.Fatalf("%d events are left, want the two good ones", len(b.Events))
			}
			for i := range b.Events {
				if out, _ := b.Emit(nil, &b.Events[i], everything); !strings.Contains(string(out), `"sku":"s"`) {
					t.Errorf("event %d is %s", i, out)
				}
			}
		})
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":0`, i)
	}
	return strings.Join(keys, ",")
}

func TestABodyThatIsNoBodyIsRefusedWhole(t *testing.T) {
	r := NewReader(compiled(t))
	page := `{"type":"page","userId":"u"}`
	for name, body := range map[string]string{
		"nothing": "", "a word": "hello", "no JSON in an event": `{"batch":[{"type":}]}`, "garbage behind": `{"batch":[]} x`, "two bodies": `{"batch":[]}{"batch":[]}`,
		"a list": `[]`, "no batch": `{}`, "a batch that is an object": `{"batch":{}}`, "a batch twice": `{"batch":[` + page + `],"batch":[]}`, "a comma too many": `{"batch":[` + page + `,]}`,
		"a shared context twice": `{"batch":[` + page + `],"context":{},"context":{}}`, "a shared consent twice": `{"batch":[],"context":{"consent":{},"consent":{}}}`,
		"a shared context that is a string": `{"batch":[` + page + `],"context":"x"}`, "half a string": `{"batch":["`, "a comment": `{"batch":[/**/]}`, "a leading zero": `{"batch":[01]}`,
		"a plus sign": `{"batch":[+1]}`, "no fraction": `{"batch":[1.]}`, "a byte order mark": "\ufeff" + `{"batch":[]}`, "a control character": "{\"batch\":[\"\x01\"]}", "an unknown escape": `{"batch":["\x"]}`,
		"single quotes": `{'batch':[]}`, "size": `{"batch":["` + strings.Repeat("a", MaxBody) + `"]}`, "depth without end": `{"batch":[` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := r.Read([]byte(body), Batch, arrival())
			if !errors.Is(err, thimble.ErrInvalid) || b != nil {
				t.Errorf("got %v and %v, want an error of kind ErrInvalid", b, err)
			}
		})
	}
}

func TestABatchHasAnEnd(t *testing.T) {
	r := NewReader(compiled(t))
	one := `{"type":"page","userId":"u","messageId":"m"}`
	b := read(t, r, Batch, `{"batch":[`+strings.Repeat(one+",", MaxEvents+9)+one+`]}`)
	if diff := cmp.Diff([]Refusal{{MaxEvents, TooMany}}, b.Refused); diff != "" || len(b.Events) != MaxEvents {
		t.Errorf("%d events, %s", len(b.Events), diff)
	}
}

func TestTheOtherCallsAreRead(t *testing.T) {
	r := NewReader(compiled(t))
	b := read(t, r, Batch, `{"batch":[
		{"type":"identify","userId":"u","traits":{"email":"jo@example.com","phone":"+44 7700 900123","birthday":"1990-11-30","age":36,"address":{"country":"DE","state":"BE","city":"Berlin","street":"x"},"firstName":"Jo"}},
		{"type":"alias","userId":"u","previousId":"a"},
		{"type":"alias","userId":"u1","previousId":"u1"},
		{"type":"group","userId":"u","groupId":"g","traits":{"name":"Initech"}},
		{"type":"screen","anonymousId":"a","name":"Cart"},
		{"type":"track","userId":"u","event":"Something Else","properties":{"sku":"s"}}]}`)
	if len(b.Refused) != 0 || len(b.Events) != 6 {
		t.Fatalf("%d events, refused %v", len(b.Events), b.Refused)
	}
	var got []string
	for i := range b.Events {
		b.Events[i].Time = 0
		out, ok := b.Emit(nil, &b.Events[i], everything)
		got = append(got, fmt.Sprint(ok, " ", string(out)))
	}
	want := []string{
		`true {"plan":1,"type":"identify","time":0,"properties":{"address":{"country":"DE","state":"BE"},"age_band":"35-44"}}`, `false `, `false `, `true {"plan":1,"type":"group","time":0}`,
		`true {"plan":1,"type":"screen","time":0,"name":"Cart"}`, `false `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b.Events[1].SelfAlias || !b.Events[2].SelfAlias {
		t.Error("an alias of an id with itself was not noticed, or another one was")
	}
	var ids []string
	for _, id := range b.Identifiers {
		ids = append(ids, id.Path+"="+string(b.Bytes(id.Value)))
	}
	if diff := cmp.Diff([]string{"email=jo@example.com", "phone=+44 7700 900123"}, ids); diff != "" {
		t.Error(diff)
	}
	if id := string(b.Bytes(b.Events[0].MessageID)); !b.Events[0].Assigned || id != "thimble-"+strings.Repeat("0", 32) {
		t.Errorf("the message id is %q, want one of the given randomness", id)
	}
}

func TestWithoutRandomnessAnEventNeedsItsMessageID(t *testing.T) {
	r := NewReader(compiled(t))
	b, err := r.Read([]byte(`{"batch":[{"type":"page","userId":"u"},{"type":"page","userId":"u","messageId":"m"}]}`), Batch, Arrival{At: arrived})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != 1 || len(b.Refused) != 1 || b.Refused[0] != (Refusal{0, BadMessageID}) {
		t.Errorf("%d events, refused %v", len(b.Events), b.Refused)
	}
}

func TestNothingIsWrittenThatTheMaskDoesNotPermit(t *testing.T) {
	c := compiled(t)
	r := NewReader(c)
	const event = `{"type":"track","event":"Product Viewed","userId":"u","properties":{"sku":"s","size":"38","size_system":"EU","colour":"red","fit":"loose","price":1},"context":{"locale":"de","page":{"path":"/x"},"os":{"name":"iOS"}}}`
	whole := emitted(t, r, event, everything)
	for i, u := range c.Classes {
		out := emitted(t, r, event, everything&^(1<<i))
		var all map[string]any
		if out != "" && json.Unmarshal([]byte(out), &all) != nil {
			t.Fatalf("without %s: no JSON: %s", u.Category, out)
		}
		holds := map[thimble.Category][]string{
			"user.behavior.browsing_history": {`"sku"`, `"price_minor"`, `"event"`, `"page"`}, "thimble.size": {`"size"`, `"size_system"`}, "thimble.style_preference": {`"colour"`},
			"thimble.fit_feedback": {`"fit"`}, "user.demographic.language": {`"locale"`}, "user.device": {`"os"`},
		}[u.Category]
		if u.Category == "user.behavior.browsing_history" && len(u.Purposes) != 3 {
			continue // that of campaigns
		}
		for _, key := range holds {
			if !strings.Contains(whole, key) || strings.Contains(out, key) {
				t.Errorf("without %s: %s is in %s", u.Category, key, out)
			}
		}
	}
	if out := emitted(t, r, event, 0); out != "" {
		t.Errorf("nothing is permitted, but %s is written", out)
	}
}

func TestOrderAndSpellingDoNotChangeWhatIsWritten(t *testing.T) {
	r := NewReader(compiled(t))
	rng := rand.New(rand.NewPCG(20261129, 7))
	keys := []string{`"type":"track"`, `"event":"Order Completed"`, `"userId":"u"`, `"timestamp":"2026-11-29T11:00:00Z"`, `"context":{%s}`, `"properties":{%s}`}
	context := []string{`"locale":"de"`, `"os":{"name":"i","version":"1"}`, `"page":{"path":"/a","title":"T"}`, `"zzz":1`}
	props := []string{`"order_id":"o1"`, `"currency":"JPY"`, `"total":"1500.5"`, `"tax":12`, `"coupon":"caf\u00e9 \"x\""`, `"products":[{"sku":"a","price":1},{"price":2.5,"sku":"b"}]`, `"affiliation":null`}
	respelt := map[string]string{`"order_id":"o1"`: `"order\u005fid":"\u006f1"`, `"coupon":"caf\u00e9 \"x\""`: `"coupon":"café \u0022x\u0022"`}
	build := func() string {
		join := func(parts []string) string {
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			text := strings.Join(parts, ", ")
			for from, to := range respelt {
				if rng.IntN(2) == 0 {
					text = strings.Replace(text, from, to, 1)
				}
			}
			return text
		}
		text := join(keys)
		text = strings.Replace(text, `"context":{%s}`, `"context":{`+join(context)+`}`, 1)
		return `{` + strings.Replace(text, `"properties":{%s}`, `"properties":{`+join(props)+`}`, 1) + `}`
	}
	want := emitted(t, r, build(), everything)
	if !strings.Contains(want, `"total_minor":1501`) || !strings.Contains(want, `"products":[{"price_minor":1,"sku":"a"},{"price_minor":3,"sku":"b"}]`) || !strings.Contains(want, `"coupon":"café \"x\""`) {
		t.Fatalf("yen have no decimals: %s", want)
	}
	for range 500 {
		if body := build(); emitted(t, r, body, everything) != want {
			t.Fatalf("%s\nis written as\n%s, want\n%s", body, emitted(t, r, body, everything), want)
		}
	}
}

func TestThePlansModeSaysWhatABrokenRuleCosts(t *testing.T) {
	for mode, want := range map[plan.Mode]string{
		plan.Omit:  `{"plan":1,"type":"track","event":"Order Cancelled","time":0,"properties":{"order_id":"o"}}`,
		plan.Warn:  `{"plan":1,"type":"track","event":"Order Cancelled","time":0,"properties":{"coupon":5,"order_id":"o"}}`,
		plan.Block: "",
	} {
		p := *plan.Default()
		p.Events = append([]plan.Event(nil), p.Events...)
		for i := range p.Events {
			if p.Events[i].Name == "Order Cancelled" {
				p.Events[i].Mode = mode
			}
		}
		c, err := plan.Compile(&p)
		if err != nil {
			t.Fatal(err)
		}
		b := read(t, NewReader(c), Batch, `{"batch":[{"type":"track","event":"Order Cancelled","userId":"u","properties":{"order_id":"o","coupon":5,"products":{"sku":"x"}}}]}`)
		m := c.Track([]byte("Order Cancelled"))
		if told := []Violation{{0, "coupon", m, plan.String, Number}, {0, "products", m, plan.Objects, Object}}; !slices.Equal(b.Violations, told) {
			t.Errorf("%s: told of %v, want %v", mode, b.Violations, told)
		}
		if mode == plan.Block {
			if len(b.Events) != 0 || len(b.Refused) != 1 || b.Refused[0].Rule != Blocked {
				t.Errorf("block: %d events, refused %v", len(b.Events), b.Refused)
			}
			continue
		}
		b.Events[0].Time = 0
		if out, _ := b.Emit(nil, &b.Events[0], everything); string(out) != want {
			t.Errorf("%s: %s, want %s", mode, out, want)
		}
	}
}

func TestFreeTextIsWrittenWithoutWhatLeadsToAPerson(t *testing.T) {
	r := NewReader(compiled(t))
	got := emitted(t, r, `{"type":"track","event":"Product Reviewed","userId":"u","properties":{"product_id":"p","review_body":"Write to jo@ex\u0061mple.com\nor call 01.84.17.61.18"}}`, everything)
	if want := `"review_body":"Write to [email]\nor call [phone]"`; !strings.Contains(got, want) {
		t.Errorf("written is %s, want %s in it", got, want)
	}
	got = emitted(t, r, `{"type":"page","userId":"u","context":{"page":{"url":"https://x.example/jo@example.com/a?q=1","referrer":"https://u:p@y.example/","path":"/tel/+44 7700 900123"}}}`, everything)
	if want := `"page":{"path":"/tel/[phone]","referrer":"https://y.example/","url":"https://[email]/a"}`; !strings.Contains(got, want) {
		t.Errorf("written is %s, want %s in it", got, want)
	}
}

func TestAWarningKeepsNoTextUnread(t *testing.T) {
	p, err := plan.Read([]byte(`
version: 1
uses: {u: {category: user.behavior.browsing_history, purposes: [analytics]}}
events:
  - {name: X, use: u, mode: warn, properties: [{name: n, type: number}, {name: price, type: money}, {name: s, type: string}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := plan.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	got := emitted(t, NewReader(c), `{"type":"track","event":"X","userId":"u","timestamp":"1970-01-01T00:00:00Z","properties":{"n":"ask jo@example.com","price":"free","s":7}}`, everything)
	// A price that is none has no minor units, so it is left out.
	if want := `{"plan":1,"type":"track","event":"X","time":0,"properties":{"n":"ask [email]","s":7}}`; got != want {
		t.Errorf("written is %s, want %s", got, want)
	}
}
