package vaultroot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Credentials of AWS. Session is the token of temporary ones.
type Credentials struct{ AccessKey, SecretKey, Session string }

// sign adds AWS Signature Version 4 to a request without a query, signing the host
// and every header that is set.
func sign(req *http.Request, body []byte, c Credentials, region, service string, at time.Time) {
	stamp := at.UTC().Format("20060102T150405Z")
	req.Header.Set("X-Amz-Date", stamp)
	if c.Session != "" {
		req.Header.Set("X-Amz-Security-Token", c.Session)
	}
	names, headers := canonicalHeaders(req)
	path := req.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	request := strings.Join([]string{req.Method, path, "", headers, names, hexSum(body)}, "\n")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hexSum([]byte(request))}, "\n")

	key := []byte("AWS4" + c.SecretKey)
	for _, part := range []string{stamp[:8], region, service, "aws4_request"} {
		key = hmacSum(key, part)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.AccessKey+"/"+scope+
		", SignedHeaders="+names+", Signature="+hex.EncodeToString(hmacSum(key, text)))
}

func canonicalHeaders(req *http.Request) (names, headers string) {
	values := map[string]string{"host": req.URL.Host}
	for name, v := range req.Header {
		values[strings.ToLower(name)] = strings.TrimSpace(strings.Join(v, ","))
	}
	var sorted []string
	for name := range values {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hmacSum(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text)) //nolint:errcheck // a hash takes all it is given
	return m.Sum(nil)
}
