package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// Repair makes length and checksums right.
func Repair(b []byte) {
	n := HeadLen(b)
	if n == 0 || n > len(b)-sum {
		return
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[n-sum:], crc32.Checksum(b[:n-sum], castagnoli))
	binary.LittleEndian.PutUint32(b[len(b)-sum:], crc32.Checksum(b[:len(b)-sum], castagnoli))
}
