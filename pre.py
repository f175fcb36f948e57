import sys, importlib, time
from fork_server.start import TABLES
for m in TABLES: importlib.import_module(m)
before=set(sys.modules)
import pandas as pd, pyarrow as pa, pyarrow.parquet as pq, tempfile
t=time.process_time(); f=tempfile.mktemp()
pq.write_table(pa.table({"a":[1,2],"b":["x",None]}),f); pq.read_table(f).to_pandas(); print('parquet first use', round(time.process_time()-t,3))
def top(new): 
    from collections import Counter
    c=Counter('.'.join(m.split('.')[:2]) for m in new if not m.startswith('unispace')); return c.most_common(14)
print(top(set(sys.modules)-before)); b=set(sys.modules)
t=time.process_time(); pd.DataFrame({"a":["x"]}).to_string(); pd.DataFrame({"a":["x"]}).to_csv(); pd.DataFrame({"a":["x"],"b":[1]}).groupby("a").sum(); print('pandas first use', round(time.process_time()-t,3), top(set(sys.modules)-b)); b=set(sys.modules)
t=time.process_time(); import safetensors.numpy; print('safetensors', round(time.process_time()-t,3)); 
t=time.process_time(); import scipy.cluster.hierarchy; print('hierarchy', round(time.process_time()-t,3)); b=set(sys.modules)
t=time.process_time(); import sklearn.metrics; print('sk metrics', round(time.process_time()-t,3), top(set(sys.modules)-b)); b=set(sys.modules)
for c in ("evaluate_maps","evaluate_verification","evaluate_maps_paper","draw_figure","render_report","evaluate_transfer","evaluate_attacks","evaluate_classification"):
    b=set(sys.modules); t=time.process_time(); importlib.import_module("unispace.commands."+c); print(c, round(time.process_time()-t,3), top(set(sys.modules)-b))
import threading, pathlib; print([p.read_text().strip() for p in pathlib.Path('/proc/self/task').glob('*/comm')])
