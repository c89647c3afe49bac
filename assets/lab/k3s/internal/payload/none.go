//go:build !payload

package payload

var archive []byte
