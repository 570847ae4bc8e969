#include "vault/store/head.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proto/core/reader.h"
#include "vault/file/replace.h"

static const uint8_t MAGIC[8] = {'C', 'V', 'H', 'D', 1};

enum { TAG_BYTES = 16, TAGGED_BYTES = HEAD_SLOT_BYTES - TAG_BYTES };

static void slot_encode(const struct head_file *f, const struct head *h,
                        uint8_t out[static HEAD_SLOT_BYTES])
{
    struct buf b = buf_of(out, TAGGED_BYTES);
    buf_bytes(&b, MAGIC, sizeof MAGIC);
    buf_be64(&b, h->commit);
    buf_be64(&b, h->next_seq);
    buf_bytes(&b, h->note, HEAD_NOTE_BYTES);
    f->tag(f->tag_arg, span_of(out, TAGGED_BYTES), out + TAGGED_BYTES);
}

static bool slot_decode(const struct head_file *f, const uint8_t in[static HEAD_SLOT_BYTES],
                        struct head *out)
{
    uint8_t tag[TAG_BYTES];
    f->tag(f->tag_arg, span_of(in, TAGGED_BYTES), tag);
    if (memcmp(in, MAGIC, sizeof MAGIC) != 0 || memcmp(tag, in + TAGGED_BYTES, TAG_BYTES) != 0)
        return false;
    struct reader r = reader_of(span_of(in + sizeof MAGIC, TAGGED_BYTES - sizeof MAGIC));
    out->commit = reader_be64(&r);
    out->next_seq = reader_be64(&r);
    memcpy(out->note, reader_take(&r, HEAD_NOTE_BYTES).p, HEAD_NOTE_BYTES);
    return true;
}

enum err head_create(const struct store_options *o, const struct head *h, struct head_file *out)
{
    struct head_file f = {-1, o->tag, o->tag_arg};
    uint8_t file[HEAD_FILE_BYTES] = {0};
    slot_encode(&f, h, file);
    slot_encode(&f, h, file + HEAD_SLOT_STRIDE);
    enum err e = file_replace(o->head_path, span_of(file, sizeof file));
    if (e != OK)
        return e;
    f.fd = open(o->head_path, O_RDWR | O_CLOEXEC);
    if (f.fd < 0)
        return ERR_STORE;
    *out = f;
    return OK;
}

enum err head_open(const struct store_options *o, struct head_file *out, struct head *h)
{
    struct head_file f = {-1, o->tag, o->tag_arg};
    f.fd = open(o->head_path, (o->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (f.fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND : ERR_STORE;
    struct head best = {0};
    bool found = false;
    for (off_t at = 0; at < HEAD_FILE_BYTES; at += HEAD_SLOT_STRIDE) {
        uint8_t slot[HEAD_SLOT_BYTES];
        struct head one;
        if (pread(f.fd, slot, sizeof slot, at) != (ssize_t)sizeof slot ||
            !slot_decode(&f, slot, &one))
            continue; /* torn by a crash in the middle of its write: the other one counts */
        if (!found || one.commit > best.commit)
            best = one;
        found = true;
    }
    if (!found) {
        head_close(&f);
        return ERR_FORGED;
    }
    *h = best;
    *out = f;
    return OK;
}

enum err head_write(const struct head_file *f, const struct head *h)
{
    uint8_t slot[HEAD_SLOT_BYTES];
    slot_encode(f, h, slot);
    off_t at = (off_t)(h->commit & 1) * HEAD_SLOT_STRIDE;
    if (pwrite(f->fd, slot, sizeof slot, at) != (ssize_t)sizeof slot || fdatasync(f->fd) != 0)
        return ERR_STORE;
    return OK;
}

void head_close(struct head_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
