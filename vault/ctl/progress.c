#include "vault/ctl/progress.h"

#include <unistd.h>

enum { BAR_COLUMNS = 40 };

struct progress progress_on(FILE *out)
{
    return (struct progress){isatty(fileno(out)) ? out : NULL, -1};
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
    static const char FULL[] = "########################################";
    _Static_assert(sizeof FULL == BAR_COLUMNS + 1, "a bar of its width");
    if (!p->out || total == 0)
        return;
    double part = done < total ? (double)done / (double)total : 1;
    int percent = (int)(part * 100);
    if (percent == p->percent)
        return;
    p->percent = percent;
    fprintf(p->out, "\r[%-*.*s] %3d%%", BAR_COLUMNS, (int)(part * BAR_COLUMNS), FULL, percent);
    fflush(p->out);
}

void progress_clear(struct progress *p)
{
    if (!p->out || p->percent < 0)
        return;
    fprintf(p->out, "\r%*s\r", BAR_COLUMNS + 7, "");
    fflush(p->out);
    p->percent = -1;
}
