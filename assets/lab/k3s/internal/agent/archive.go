package agent

import (
	"compress/gzip"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// archive is an image archive as a plain tar, whatever it is compressed with.
type archive struct {
	io.Reader
	close []func() error
}

func (a archive) Close() error {
	var first error
	for _, end := range a.close {
		if err := end(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func openArchive(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasSuffix(path, "gz"):
		plain, err := gzip.NewReader(file)
		if err != nil {
			_ = file.Close()
			return nil, err
		}
		return archive{plain, []func() error{plain.Close, file.Close}}, nil
	case strings.HasSuffix(path, "zst"):
		plain, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
		if err != nil {
			_ = file.Close()
			return nil, err
		}
		return archive{plain, []func() error{func() error { plain.Close(); return nil }, file.Close}}, nil
	}
	return file, nil
}
