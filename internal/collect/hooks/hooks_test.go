package hooks

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/collect"
)

const secret = "a-secret-of-the-shop"

func feed(t testing.TB, system string) Feed {
	t.Helper()
	all, err := Parse(system + "/main=" + secret)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestFeedsAreReadStrictlyAndTheirSecretsAreNotPrinted(t *testing.T) {
	all, err := Parse("shopify/main=" + secret + "  woocommerce/outlet=another-secret-here\n")
	if err != nil || len(all) != 2 || all[1].String() != "woocommerce/outlet" {
		t.Fatalf("got %v, %v", all, err)
	}
	for _, said := range []string{fmt.Sprintf("%v %+v %#v", all[0], all, &all[0])} {
		if strings.Contains(said, secret) || strings.Contains(said, fmt.Sprint([]byte(secret))) {
			t.Errorf("printed: %s", said)
		}
	}
	for _, text := range []string{"shopify=" + secret, "shopify/main", "magento/main=" + secret, "shopify/Main=" + secret, "shopify/main=short",
		"shopify/main=" + secret + " shopify/main=" + secret, "shopify/../x=" + secret} {
		if _, err := Parse(text); !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The vector is of RFC 4231's construction, computed with openssl:
// printf '{"id":1}' | openssl dgst -sha256 -hmac a-secret-of-the-shop -binary | base64
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	f := feed(t, "shopify")
	if got, want := f.Sign([]byte(`{"id":1}`)), "tuKSrNERT14m1eIuBOlCJIYVedizb8nuIXvDyX24xro="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOnlyTheSecretSigns(t *testing.T) {
	body := []byte(`{"id":1}`)
	for _, system := range []string{"shopify", "woocommerce"} {
		f := feed(t, system)
		good := f.Sign(body)
		if err := f.Verify(body, good); err != nil {
			t.Error(err)
		}
		other, err := Parse(system + "/main=some-other-secret")
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct{ body, signature string }{
			"another body": {`{"id":2}`, good}, "another secret": {string(body), other[0].Sign(body)}, "none": {string(body), ""}, "no base64": {string(body), "%%"},
			"half": {string(body), good[:20]}, "of nothing": {string(body), f.Sign(nil)}, "in hex": {string(body), fmt.Sprintf("%x", good)},
		} {
			if err := f.Verify([]byte(c.body), c.signature); !errors.Is(err, thimble.ErrDenied) {
				t.Errorf("%s, %s: %v", system, name, err)
			}
		}
		if err := (Feed{System: f.System}).Verify(body, Feed{System: f.System}.Sign(body)); !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s: a feed without a secret takes what is signed with none: %v", system, err)
		}
	}
}

const redact = `{"shop_id":954889,"shop_domain":"x.myshopify.com","customer":{"id":191167,"email":"ada@example.org","phone":"+44 20 7946 0018"},"orders_to_redact":[]}`

// Headers are not signed: a captured body must not mean something else under another topic.
func TestABodyMeansWhatItsFormSays(t *testing.T) {
	f := feed(t, "shopify")
	bodies := map[string]string{
		"customers/redact":       redact,
		"customers/data_request": `{"shop_id":954889,"shop_domain":"x.myshopify.com","orders_requested":[299938],"customer":{"id":191167,"email":"ada@example.org","phone":"555-625-1199"},"data_request":{"id":9999}}`,
		"customers/update":       `{"id":191167,"created_at":"2024-05-01T10:00:00Z","email":"ada@example.org"}`,
		"orders/create":          `{"id":1,"name":"#1001","created_at":"2024-05-01T10:00:00Z","line_items":[{"sku":"A","quantity":1,"price":"9.90"}]}`,
	}
	want := map[string]Do{"customers/redact": Erase, "customers/data_request": Access, "customers/update": Take, "orders/create": Take}
	for topic, do := range want {
		for of, body := range bodies {
			d, err := f.Read(topic, []byte(body))
			if of == topic && (err != nil || d.Do != do) {
				t.Errorf("%s: %+v, %v", topic, d, err)
			}
			if of != topic && err == nil {
				t.Errorf("a body of %s passes for %s: %+v", of, topic, d)
			}
			if err != nil && strings.Contains(err.Error(), "@example.org") {
				t.Errorf("the error names a person: %v", err)
			}
		}
	}
	d, err := f.Read("customers/redact", []byte(redact))
	if err != nil || len(d.Who) != 3 {
		t.Errorf("got %d identifiers, %v, want three", len(d.Who), err)
	}
	if d, err := f.Read("themes/publish", []byte(`not json`)); err != nil || d.Do != Ignore || d.Topic != "other" {
		t.Errorf("a topic that nobody asked for: %+v, %v", d, err)
	}
}

func TestEveryMappingOfAFeedIsOneThatImportsTake(t *testing.T) {
	for system, topics := range forms {
		for topic, f := range topics {
			for _, rows := range f.rows {
				if err := collect.CheckMapping(rows.Kind, rows.Mapping); err != nil {
					t.Errorf("%s %s: %v", system, topic, err)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("customers/redact", []byte(redact))
	f.Add("orders/create", []byte(`{"name":"x","created_at":1,"line_items":[]}`))
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		for _, system := range []string{"shopify", "woocommerce"} {
			d, err := feed(t, system).Read(topic, body)
			if err != nil && !errors.Is(err, thimble.ErrInvalid) {
				t.Fatal(err)
			}
			if err != nil && d.Do != Ignore {
				t.Fatalf("a body that is refused asks for %s", d.Do)
			}
		}
	})
}
