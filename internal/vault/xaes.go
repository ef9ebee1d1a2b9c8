package vault

import (
	"crypto/aes"
	"crypto/cipher"
)

const (
	xaesNonce    = 24
	xaesOverhead = xaesNonce + 16
)

// xaes is XAES-256-GCM of C2SP (c2sp.org/XAES-256-GCM): AES-256-GCM with a
// 24-byte nonce, so that a random one never runs out however many messages one
// key seals.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the CMAC subkey
}

func newXAES(key *[32]byte) (*xaes, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	x := &xaes{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	carry := x.k1[0] >> 7
	for i := range x.k1 {
		next := byte(0)
		if i+1 < len(x.k1) {
			next = x.k1[i+1] >> 7
		}
		x.k1[i] = x.k1[i]<<1 | next
	}
	x.k1[aes.BlockSize-1] ^= carry * 0x87
	return x, nil
}

// derive returns the AES-256 key of one nonce: NIST SP 800-108r1 in counter mode
// over CMAC, two blocks.
func (x *xaes) derive(nonce []byte) (key [32]byte) {
	for i := range 2 {
		half := key[i*aes.BlockSize:][:aes.BlockSize]
		half[1], half[2] = byte(i+1), 'X'
		copy(half[4:], nonce[:12])
		for j := range half {
			half[j] ^= x.k1[j]
		}
		x.block.Encrypt(half, half)
	}
	return key
}

func (x *xaes) aead(nonce []byte) (cipher.AEAD, error) {
	key := x.derive(nonce)
	defer clear(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal appends nonce, ciphertext and tag to dst.
func (x *xaes) seal(dst, nonce, plain, aad []byte) ([]byte, error) {
	a, err := x.aead(nonce)
	if err != nil {
		return nil, err
	}
	dst = append(dst, nonce[:xaesNonce]...)
	return a.Seal(dst, nonce[12:xaesNonce], plain, aad), nil
}

// open reads what seal wrote and appends the plain bytes to dst.
func (x *xaes) open(dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < xaesOverhead {
		return nil, errShort
	}
	a, err := x.aead(sealed[:xaesNonce])
	if err != nil {
		return nil, err
	}
	return a.Open(dst, sealed[12:xaesNonce], sealed[xaesNonce:], aad)
}
