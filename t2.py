import numpy as np, time
rng=np.random.default_rng(0); b,g,n=30,2160,24
def T(f,name,r=300):
    f(); a=time.process_time()
    for _ in range(r): f()
    print(name,(time.process_time()-a)/r*1e3,'ms')
for dt in (np.int32,np.int64,np.float32,np.float64):
    d=rng.integers(0,4,(b,g)).astype(dt); o=np.empty((b,g),dt)
    T(lambda: np.cumsum(d,axis=1,out=o),f'cumsum {dt.__name__}')
    dT=np.ascontiguousarray(d.T); oT=np.empty((g,b),dt)
    T(lambda: np.cumsum(dT,axis=0,out=oT),f'cumsum axis0 {dt.__name__}')
d=rng.integers(0,4,(b,g)).astype(np.int32); f=np.empty((b,g)); o=np.empty((b,g),np.int32)
T(lambda: np.cumsum(d,axis=1,out=o),'c'); T(lambda: np.divide(o,3.0,out=f),'div int32->f8'); o8=o.astype(np.int64);T(lambda: np.divide(o8,3.0,out=f),'div int64->f8')
T(lambda: np.copyto(f,o),'copy int32->f8')
def rows():
    for i in range(b): np.cumsum(d[i],out=o[i])
T(rows,'rowwise int32')
def steps(dT=np.ascontiguousarray(d.T.astype(float))):
    for i in range(1,g): dT[i]+=dT[i-1]
T(steps,'py steps',5)
