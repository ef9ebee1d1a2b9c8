package pii

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// marked prints what was found as "kind:text".
func marked(text string) (all []string) {
	for _, s := range Scan(text, nil) {
		all = append(all, s.Rule+":"+text[s.Start:s.End])
	}
	return all
}

func TestWhatLeadsToAPersonIsFound(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an address", "write to jo.doe+shop@mail.example.co.uk, please", "email:jo.doe+shop@mail.example.co.uk"},
		{"an address that ends a sentence", "(jo@example.com).", "email:jo@example.com"},
		{"an address in a script beyond ASCII", "пишите: иван@пример.рф", "email:иван@пример.рф"},
		{"an address with a number in it", "4111111111111111@example.com", "email:4111111111111111@example.com"},
		{"a card in groups", "card 4111 1111 1111 1111 exp 12/28", "card:4111 1111 1111 1111"},
		{"a card with hyphens", "5500-0000-0000-0004", "card:5500-0000-0000-0004"},
		{"a card of fifteen digits", "it is 378282246310005!", "card:378282246310005"},
		{"an account", "IBAN GB82 WEST 1234 5698 7654 32.", "iban:GB82 WEST 1234 5698 7654 32"},
		{"an account in small letters", "de89370400440532013000", "iban:de89370400440532013000"},
		{"an address of the network", "from 192.0.2.17:8080", "ipv4:192.0.2.17"},
		{"an address of the newer kind", "at 2001:db8::8a2e:370:7334 today", "ipv6:2001:db8::8a2e:370:7334"},
		{"a network interface", "device 00:1B:44:11:3A:B7", "mac:00:1B:44:11:3A:B7"},
		{"an international number", "+41 (0)96 471 07 95", "phone.e164:+41 (0)96 471 07 95"},
		{"an international number with 00", "0044 7700 900123", "phone.e164:0044 7700 900123"},
		{"a North American number", "(602)272-9781 ext. 12", "phone.nanp:(602)272-9781 ext. 12"},
		{"a number with its trunk prefix", "01.84.17.61.18", "phone.trunk:01.84.17.61.18"},
		{"a number behind a word", "please call 467 3395 after six", "phone.context:467 3395"},
		{"a social security number", "078-05-1120", "us.ssn:078-05-1120"},
		{"a German tax number", "Steuer-ID 86095742719", "de.steuer_id:86095742719"},
		{"a Polish number", "44051401359", "pl.pesel:44051401359"},
		{"a Norwegian number", "nr 01010050053", "no.fnr:01010050053"},
		{"a Brazilian number", "CPF 529.982.247-25", "br.cpf:529.982.247-25"},
		{"a French number", "1 85 05 78 006 084 91", "fr.nir:1 85 05 78 006 084 91"},
		{"a Swiss number", "756.9217.0769.85", "ch.ahv:756.9217.0769.85"},
		{"a Chinese number", "11010519491231002X", "cn.resident:11010519491231002X"},
		{"an Indian number", "2341 2341 2346", "in.aadhaar:2341 2341 2346"},
		{"a Swedish number", "811218-9876", "se.personnummer:811218-9876"},
		{"a Dutch number", "BSN: 111222333", "nl.bsn:111222333"},
		{"a British health number", "NHS 943 476 5919", "uk.nhs:943 476 5919"},
		{"a British number", "QQ 12 34 56 C, AB 12 34 56 C", "uk.nino:AB 12 34 56 C"},
		{"a Canadian number", "SIN 046 454 286", "ca.sin:046 454 286"},
		{"an Australian number", "TFN 123 456 782", "au.tfn:123 456 782"},
		{"an Austrian number", "SVNR 1237 010180", "at.svnr:1237 010180"},
		{"a Spanish number", "DNI 12345678Z", "es.dni:12345678Z"},
		{"a Spanish number of a foreigner", "X1234567L", "es.nie:X1234567L"},
		{"an Italian number", "RSSMRA85T10A562S", "it.codice_fiscale:RSSMRA85T10A562S"},
		{"an Irish number", "1234567T", "ie.pps:1234567T"},
		{"a Finnish number", "131052-308T", "fi.hetu:131052-308T"},
		{"a URL with ids", "see https://shop.example/u/8812345?x=1.", "url.ids:https://shop.example/u/8812345?x=1"},
		{"digits of another script", "card ４１１１ １１１１ １１１１ １１１１", "card:４１１１ １１１１ １１１１ １１１１"},
		{"digits of a third script", "٤١١١١١١١١١١١١١١١", "card:٤١١١١١١١١١١١١١١١"},
		{"characters without width", "41\u200b11 11\u200d11 1111 1111", "card:41\u200b11 11\u200d11 1111 1111"},
		{"blanks that do not break", "4111\u00a01111\u00a01111\u00a01111", "card:4111\u00a01111\u00a01111\u00a01111"},
		{"a full-width at sign", "jo＠example.com", "email:jo＠example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(marked(c.text), " | "); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatOnlyLooksLikeItIsLeft(t *testing.T) {
	for name, text := range map[string]string{
		"a card whose check digit is wrong":    "4111 1111 1111 1112",
		"an account whose check is wrong":      "GB82 WEST 1234 5698 7654 33",
		"a date":                               "on 2026-11-29 or 29.11.2026 or 11/29/26",
		"a time":                               "at 10:20:30, then 09:15",
		"a price":                              "it cost 1,299.00 and not 1299.00 or 12 99",
		"a size":                               "EU 38, W32/L34, 10-12 years",
		"an order number":                      "order 4561237891 of last week",
		"an article number":                    "SKU 4006381333931, style AB12-443",
		"a version":                            "v1.2.3 and 10.0.1",
		"five numbers with dots":               "1.2.3.4.5",
		"a number above 255":                   "300.1.2.3",
		"a URL without ids":                    "https://shop.example/women/linen-shirts",
		"a scope operator":                     "std::string and a::b",
		"an at sign":                           "two shirts @ 20 each, @shop, a@b",
		"an area that is never given":          "666-12-3456 and 000-12-3456 and 123-00-4567",
		"a Spanish number whose letter is off": "12345678A",
		"nine digits without a word":           "111222333",
		"a very long number":                   strings.Repeat("41111111", 40),
	} {
		t.Run(name, func(t *testing.T) {
			if got := marked(text); len(got) != 0 {
				t.Errorf("found %q, want nothing", got)
			}
		})
	}
}

func TestRedactionLeavesTheRest(t *testing.T) {
	text := "Größe 38 passt. jo@example.com, +49 30 123456 – danke"
	got := string(Redact(nil, text, Scan(text, nil)))
	if want := "Größe 38 passt. [email], [phone] – danke"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if again := string(Redact(nil, got, Scan(got, nil))); again != got {
		t.Errorf("redacted again it is %q, want %q", again, got)
	}
}

func TestScanAppendsToWhatIsThere(t *testing.T) {
	had := []Span{{Start: 7, End: 9, Kind: Card, Rule: "theirs"}}
	got := Scan("jo@example.com", had)
	want := append(had, Span{Start: 0, End: 14, Kind: Email, Rule: "email"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryKindHasANameAndACategory(t *testing.T) {
	seen := map[string]bool{}
	for k := Email; int(k) < len(kinds); k++ {
		if k.Category() == "" || seen[k.String()] {
			t.Errorf("kind %d: %q of %q; a name of its own and a category were expected", k, k, k.Category())
		}
		seen[k.String()] = true
	}
	if got := fmt.Sprint(Kind(0), Kind(99), Kind(99).Category() == ""); got != "unknown unknown true" {
		t.Errorf("a kind that is none: %s", got)
	}
}
