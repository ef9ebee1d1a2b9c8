package wire_test

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// A recipient opens an envelope with the standard library alone, or with HPKE in another
// language: RFC 9180 base mode, KEM 0x0020, KDF 0x0001, AEAD 0x0002.
func Example_recipient() {
	private, _ := os.ReadFile("testdata/envelope/x25519.key") // "x25519:BASE64"
	envelope, _ := os.ReadFile("testdata/envelope/x25519.json")

	var e struct {
		V                                                      int
		Suite, Recipient, Agreement, Disclosure, Message, Type string
		Enc, Sealed                                            []byte
	}
	if err := json.Unmarshal(envelope, &e); err != nil || e.V != 1 || e.Suite != "x25519" {
		fmt.Println("not an envelope")
		return
	}
	b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(private), "x25519:"))
	key, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	info := strings.Join([]string{"thimble envelope 1", e.Suite, e.Recipient, e.Agreement, e.Disclosure}, "\n")
	r, err := hpke.NewRecipient(e.Enc, key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		fmt.Println(err)
		return
	}
	plain, err := r.Open([]byte(e.Message+"\n"+e.Type), e.Sealed)
	fmt.Println(string(plain), err)
	// Output: {"order":"o-1"} <nil>
}
